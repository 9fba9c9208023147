# Two stages: hdbscan has no wheel for Linux on arm64 and is compiled there; the image that runs has no compiler.
FROM python:3.13-slim AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY LICENSE README.md constraints.txt pyproject.toml ./
COPY dedup dedup
COPY seeds seeds
COPY worker worker
# The second variable binds what isolated builds install, for which pip no longer reads the first.
ENV PIP_CONSTRAINT=/src/constraints.txt PIP_BUILD_CONSTRAINT=/src/constraints.txt
RUN python -m venv /opt/story-dedup \
    && /opt/story-dedup/bin/python -m pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home dedup
COPY --from=build /opt/story-dedup /opt/story-dedup
# Loops are compiled by the first process that runs them, and kept where this image can be written.
ENV PATH=/opt/story-dedup/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/tmp/numba
USER dedup
WORKDIR /home/dedup
STOPSIGNAL SIGTERM
CMD ["dedup", "--help"]
