"""What an import did, as it is printed: a sentence a line, or one JSON object."""

from jobs.base.errors import CommandError
from jobs.base.output import show, show_json
from jobs.imports.table_imports import ImportReport
from storage.model.text.states import clean


def print_report(file: str, report: ImportReport, *, as_json: bool) -> None:
    """Print what was done; raise CommandError with every line that was refused."""
    if as_json:
        show_json(_as_json(file, report))
    else:
        for line in report.lines:
            where = f"{file}, line {line.line}" if line.line else file
            show(f"{where}: {line.what} {line.did}.")
        if report.ignored:
            show(f"{file}: ignored columns: {', '.join(map(clean, report.ignored))}.")
        if report.summary:
            show(report.summary)
    notes = [str(problem) for problem in report.problems]
    if report.problems:
        refused = "1 line was refused" if len(notes) == 1 else f"{len(notes):,} lines were refused"
        notes.append(
            f"{refused}; the other lines are stored."
            if report.stored
            else f"{refused}, so nothing was stored. Correct the file, or store the rest with --partial."
        )
        raise CommandError("\n".join(notes))


def _as_json(file: str, report: ImportReport) -> dict[str, object]:
    return {
        "file": file,
        "kind": report.kind,
        "stored": report.stored,
        **report.figures,
        "lines": [
            {"line": line.line, "what": line.what, "did": line.did, "changed": line.changed}
            for line in report.lines
        ],
        "refused": [{"line": problem.line, "why": str(problem)} for problem in report.problems],
        "ignored_columns": list(report.ignored),
    }
