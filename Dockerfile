# femsim in a container: docker build -t femsim . && docker run --rm -v "$PWD:/work" femsim solve bilayer --out bilayer-out
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir '/src[sweep]' && rm -rf /src
WORKDIR /work
ENV MPLCONFIGDIR=/tmp/matplotlib
ENTRYPOINT ["femsim"]
CMD ["--help"]
