"""Checks of an installation's own templates; each is tried with invented emails.

A template that fails costs no alert, for ours then takes its place; but nobody would see what was meant.
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError

from collectors.core.findings import Finding, FindingLevel
from jobs.base.wording import number
from jobs.config.settings import Settings
from jobs.doctor.sample_mails import contents
from jobs.messages.compose import environment
from storage.model.text.states import clean

_PART = "mail templates"


def template_findings(settings: Settings) -> list[Finding]:
    """Check the templates. Empty if setting mail_templates is not used."""
    folder = settings.mail_templates
    if folder is None:
        return []
    if not folder.is_dir():
        said = (
            f"Setting mail_templates: the folder {folder} does not exist, so the built-in templates are used."
        )
        return [Finding(_PART, FindingLevel.MEND, said)]
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    faults = [Finding(_PART, FindingLevel.MEND, said) for said in dict.fromkeys(_faults(folder, names))]
    ours = set(environment(None).list_templates())
    own = [name for name in names if name not in ours]
    found = list(faults)
    if own:
        said = (
            f"{', '.join(clean(name) for name in own)} in {folder} is not the name of a built-in "
            "template. It is used only if another template names it."
        )
        found.append(Finding(_PART, FindingLevel.ADVICE, said))
    if not faults:
        said = f"{number(len(names), 'template')} in {folder}: a trial of every email succeeded."
        found.append(Finding(_PART, FindingLevel.OK, said))
    return found


def _faults(folder: Path, names: list[str]) -> Iterator[str]:
    """Return a sentence for each template that fails, with its file and line."""
    unreadable: set[str] = set()
    for name in names:
        if (fault := _unreadable(folder / name)) is not None:
            unreadable.add(name)
            yield fault
    if unreadable:
        return
    theirs = environment(folder)
    for name in names:
        if (fault := _fault(folder, name, theirs, [])) is not None:
            yield fault
    for name, samples in contents().items():
        if (fault := _fault(folder, name, theirs, samples)) is not None:
            yield fault


def _unreadable(path: Path) -> str | None:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return f"{path}, line {line}: the file is not UTF-8 text."
    except OSError as error:
        return f"{path}: the file cannot be read ({error.strerror})."
    return None


def _fault(
    folder: Path, name: str, theirs: Environment, samples: Sequence[Mapping[str, object]]
) -> str | None:
    """Yield the faults of a template itself, and of its trial with each sample."""
    try:
        template = theirs.get_template(name)
        for sample in samples:
            template.render(sample)
    except TemplateSyntaxError as error:
        return f"{error.filename or folder / name}, line {error.lineno}: {_said(error)}."
    except Exception as error:  # noqa: BLE001 - a template can do anything wrong that code can
        return f"{_where(error, folder) or folder / name}: {_said(error)}."
    return None


def _said(error: Exception) -> str:
    return clean(str(error) or type(error).__name__, 200).rstrip(".")


def _where(error: Exception, folder: Path) -> str | None:
    """Return the innermost line of their templates in a traceback; None if there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{f.filename}, line {f.lineno}" for f in frames if Path(f.filename).is_relative_to(folder)]
    return lines[-1] if lines else None
