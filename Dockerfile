# Builds rldb from source. Dockerfile.prebuilt takes a binary that is there already,
# for machines that can pull no base image.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /image/rldb . && mkdir -p /image/data

FROM scratch
# 65532 is the number that distroless images call nonroot. A new volume at /data
# takes its owner from here.
COPY --from=build --chown=65532:65532 /image /
USER 65532:65532
ENV RLDB_DIR=/data
VOLUME /data
EXPOSE 6379 16379 26379
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s CMD ["/rldb", "ping"]
ENTRYPOINT ["/rldb"]
