# Bot, worker and reconciler in one image: `docker run IMAGE bot`. Built by `make images`; docs/install.md says how.
# It runs as 10000:10000 with a read-only root, and writes below /tmp alone. It holds Debian's redis-server too, so that
# the chart's own Redis needs no third image; no compiler, no pip, no secret.

# Any Debian 12, also one without a registry (docs/install.md, "Without a registry").
ARG BASE_IMAGE=debian:12-slim

FROM ${BASE_IMAGE} AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The dependencies first: a change of our code alone leaves this layer as it is.
COPY pyproject.toml constraints.txt ./
RUN python3 -m venv /installer \
 && python3 -m venv --without-pip /opt/ablehand \
 && python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
    > dependencies.txt \
 && /installer/bin/pip --python /opt/ablehand/bin/python install \
    --no-cache-dir --constraint constraints.txt --requirement dependencies.txt
COPY . .
# By environment, the constraints hold for the build backend too.
RUN PIP_CONSTRAINT=constraints.txt /installer/bin/pip --python /opt/ablehand/bin/python install \
    --no-cache-dir --no-deps .

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="ablehand" \
      org.opencontainers.image.description="Bot, worker and reconciler of Ablehand" \
      org.opencontainers.image.licenses="MIT"
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 redis-server \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /etc/redis \
 && groupadd --gid 10000 ablehand \
 && useradd --uid 10000 --gid 10000 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin ablehand
COPY --from=build /opt/ablehand /opt/ablehand
# requests has a list of authorities of its own; these two make everything follow the system's, or what the chart mounts.
ENV PATH=/opt/ablehand/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
    ABLEHAND_HOST=0.0.0.0
WORKDIR /tmp
EXPOSE 8080
USER 10000:10000
ENTRYPOINT ["ablehand"]
CMD ["--help"]
