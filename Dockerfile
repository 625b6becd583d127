# `docker build .` makes the image that runs Blockline. `--target browser` adds what reports as PDF and videos of
# a replay need.
FROM python:3.13-slim AS built
WORKDIR /source
# requirements-mcp.txt, requirements-parquet.txt and requirements-archive.txt bring an extra.
ARG REQUIREMENTS=requirements.txt
COPY requirements*.txt ./
RUN python -m venv /opt/blockline && /opt/blockline/bin/pip install --no-cache-dir --require-hashes -r $REQUIREMENTS
COPY pyproject.toml README.md LICENSE ./
COPY docs docs
COPY collectors collectors
COPY storage storage
COPY dashboard dashboard
COPY jobs jobs
RUN /opt/blockline/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/blockline/bin/pip uninstall --yes hatchling editables trove-classifiers pip

FROM python:3.13-slim AS blockline
COPY --from=built /opt/blockline /opt/blockline
RUN pip uninstall --yes --quiet pip && useradd --system --uid 10001 --home-dir /var/lib/blockline --create-home blockline
# Settings: /etc/blockline/blockline.toml, if it is mounted. Backups: /var/lib/blockline/backups.
ENV PATH=/opt/blockline/bin:$PATH XDG_CONFIG_HOME=/etc XDG_DATA_HOME=/var/lib PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2
WORKDIR /var/lib/blockline
USER blockline
CMD ["blockline", "run"]

FROM blockline AS browser
USER root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium ffmpeg \
    && rm -rf /var/lib/apt/lists/*
# A container may not make the namespaces of its sandbox. It prints only reports, which have no script.
RUN echo 'export CHROMIUM_FLAGS="$CHROMIUM_FLAGS --no-sandbox --disable-dev-shm-usage"' > /etc/chromium.d/container
USER blockline

# The last target is the one that is built by default.
FROM blockline
