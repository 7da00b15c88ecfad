# One image, two parts: `jieneng collect` and `jieneng serve` (compose.yaml names them).
FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/jieneng --create-home jieneng \
    && install --directory --owner jieneng --mode 700 /run/reading
WORKDIR /opt/jieneng
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY energy energy
COPY collector collector
COPY analytics analytics
COPY api api
COPY dashboards dashboards
COPY simulators simulators
COPY jieneng jieneng
RUN pip install --no-cache-dir --constraint constraints.txt '.[postgresql]'
USER jieneng
ENV JIENENG_HOME=/var/lib/jieneng
ENTRYPOINT ["jieneng"]
CMD ["--help"]
