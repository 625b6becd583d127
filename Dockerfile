FROM python:3.13-slim
WORKDIR /blockline
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && useradd --create-home blockline
USER blockline
ENTRYPOINT []
CMD ["blockline", "run"]
