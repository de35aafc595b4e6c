# One image a process: docker build --target worker-stage1|worker-stage2|worker-stage3|producer .
# All four share the packages of the first stage; each holds only the sources that it runs. There is no build step: Node
# runs TypeScript.

# A GPU image starts from a CUDA 12 image that has this Node (docs/cluster.md).
ARG BASE_IMAGE=node:24.21.0-bookworm-slim

FROM ${BASE_IMAGE} AS packages
# cuda12 fetches the CUDA and TensorRT libraries of ONNX Runtime; skip is the CPU alone.
ARG ONNXRUNTIME_NODE_INSTALL=skip
WORKDIR /spineline
COPY package.json package-lock.json .npmrc ./
COPY apps/producer/package.json apps/producer/
COPY apps/worker-stage1/package.json apps/worker-stage1/
COPY apps/worker-stage2/package.json apps/worker-stage2/
COPY apps/worker-stage3/package.json apps/worker-stage3/
COPY packages/phantom/package.json packages/phantom/
COPY packages/shared/package.json packages/shared/
# Install scripts are not run by npm (see allowScripts): ONNX Runtime's is, here, with what was asked for.
RUN npm ci --omit=dev --ignore-scripts \
 && ONNXRUNTIME_NODE_INSTALL=${ONNXRUNTIME_NODE_INSTALL} node node_modules/onnxruntime-node/script/install \
 && rm -rf node_modules/onnxruntime-node/bin/napi-v6/darwin node_modules/onnxruntime-node/bin/napi-v6/win32 \
 && npm cache clean --force

FROM ${BASE_IMAGE} AS base
ENV NODE_ENV=production
WORKDIR /spineline
COPY --from=packages /spineline/node_modules node_modules
COPY package.json LICENSE ./
COPY packages/shared packages/shared
USER node

FROM base AS worker
ENV SPINELINE_HEALTH_HOST=127.0.0.1 SPINELINE_HEALTH_PORT=9400
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

FROM base AS producer
COPY packages/phantom packages/phantom
COPY apps/producer apps/producer
COPY models/demo models/demo
ENTRYPOINT ["node", "apps/producer/bin/spineline.js"]
CMD ["--help"]
