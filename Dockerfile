# One image per process: docker build --target worker-stage1|worker-stage2|worker-stage3|producer .
# All four share one stage with the packages; each has only the sources that it runs. There is no build step: Node runs
# TypeScript. BuildKit builds only the stages that a target needs.

# Base of the images: the stage cpu or cuda below, or your own image with this Node and npm.
ARG BASE_IMAGE=cpu

FROM node:24.21.0-bookworm-slim AS cpu

# CUDA 13 and cuDNN 9, which ONNX Runtime needs on a GPU, and Node.
FROM nvidia/cuda:13.0.3-cudnn-runtime-ubuntu24.04 AS cuda
COPY --from=cpu /usr/local/bin/node /usr/local/bin/node
COPY --from=cpu /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm

# ONNX Runtime's libraries for GPUs, in one folder: none for cpu, those for CUDA and TensorRT for cuda.
FROM python:3.12-slim-bookworm AS providers
ARG PROVIDERS=cpu
COPY deploy/cuda /deploy/cuda
RUN mkdir /providers && if [ "${PROVIDERS}" = cuda ]; then /deploy/cuda/install.sh /providers; fi

FROM ${BASE_IMAGE} AS packages
WORKDIR /spineline
COPY package.json package-lock.json .npmrc ./
COPY apps/producer/package.json apps/producer/
COPY apps/worker-stage1/package.json apps/worker-stage1/
COPY apps/worker-stage2/package.json apps/worker-stage2/
COPY apps/worker-stage3/package.json apps/worker-stage3/
COPY packages/phantom/package.json packages/phantom/
COPY packages/shared/package.json packages/shared/
COPY scripts/prune-packages.mjs scripts/
COPY scripts/no-cuda-download scripts/no-cuda-download
# No install script runs. Libraries of other platforms are then removed, and a link whose target is not in the image.
RUN npm ci --omit=dev --ignore-scripts \
 && node scripts/prune-packages.mjs \
 && rm node_modules/global-agent \
 && npm cache clean --force
COPY --from=providers /providers/ node_modules/onnxruntime-node/bin/napi-v6/linux/x64/

FROM ${BASE_IMAGE} AS base
ENV NODE_ENV=production
WORKDIR /spineline
COPY --from=packages /spineline/node_modules node_modules
COPY package.json LICENSE ./
COPY packages/shared packages/shared
# A number, so that Kubernetes can see that it is not root, and the base image needs no user of that name.
USER 1000:1000

FROM base AS worker
ENV SPINELINE_HEALTH_HOST=127.0.0.1 SPINELINE_HEALTH_PORT=9400
# Less memory: a small new space in the main thread, and few arenas of malloc.
ENV NODE_OPTIONS=--max-semi-space-size=4 MALLOC_ARENA_MAX=2
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SPINELINE_HEALTH_PORT}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

FROM worker AS worker-stage1
COPY apps/worker-stage1 apps/worker-stage1
CMD ["node", "apps/worker-stage1/src/main.ts"]

FROM worker AS worker-stage2
COPY apps/worker-stage2 apps/worker-stage2
CMD ["node", "apps/worker-stage2/src/main.ts"]

FROM worker AS worker-stage3
COPY apps/worker-stage3 apps/worker-stage3
CMD ["node", "apps/worker-stage3/src/main.ts"]

# The spineline command. Most of its commands end by themselves. Where `exporter` or `board` runs, check /livez from
# outside.
FROM base AS producer
COPY packages/phantom packages/phantom
COPY apps/producer apps/producer
COPY models/demo models/demo
# As in the first line of spineline.js, for less memory.
ENV NODE_OPTIONS=--max-semi-space-size=16
HEALTHCHECK NONE
ENTRYPOINT ["node", "apps/producer/bin/spineline.js"]
CMD ["--help"]

# The S3 server of docker-compose.yml (docs/decisions/0011-s3-server-in-compose.md) with one bucket, and not as root. A
# new volume gets content and owner from the folder on which it is mounted. Each folder below /buckets is a bucket.
FROM versity/versitygw:v1.8.0 AS s3
RUN mkdir -p /buckets/spineline && chown -R 1000:1000 /buckets
USER 1000:1000
ENV VGW_BACKEND=posix VGW_BACKEND_ARG=/buckets VGW_PORT=:7070 VGW_HEALTH=/health
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=12 \
  CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:7070/health"]
