# The images of Heartbeat (docs/image.md). `full`: steps on Kubeflow, Beam workers, the `heartbeat` command.
# `worker`: Beam workers that score without TensorFlow.

ARG IMAGE=full
ARG BASE=docker.io/library/python
ARG PYTHON=3.13
ARG DEBIAN=trixie

# The environment alone leaves this stage. Every package is a wheel, so that no compiler is needed.
FROM ${BASE}:${PYTHON}-slim-${DEBIAN} AS build
ARG IMAGE
ARG PYTHON
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore UV_NO_CACHE=1
WORKDIR /build
COPY requirements-setup.txt requirements-py312.txt requirements-image.txt requirements-image-without.txt ./
COPY requirements-worker.txt ./

# Where packages come from is the builder's business: secret `index` holds lines as PIP_INDEX_URL=... or
# UV_DEFAULT_INDEX=..., secret `ca` a certificate bundle that they may name. Both are optional, and stay out of layers.
RUN --mount=type=secret,id=index --mount=type=secret,id=ca \
    if [ -f /run/secrets/index ]; then set -a; . /run/secrets/index; set +a; fi; \
    if [ "$IMAGE" = worker ]; then set -- -r requirements-worker.txt; else \
    set -- -r requirements-py312.txt -r requirements-image.txt --excludes requirements-image-without.txt; fi; \
    python -m venv /opt/setup \
    && /opt/setup/bin/pip install --quiet --require-hashes -r requirements-setup.txt \
    && python -m venv --without-pip /opt/heartbeat \
    && /opt/setup/bin/uv pip install --quiet --python /opt/heartbeat/bin/python --no-deps --require-hashes "$@"

COPY setup.py LICENSE ./
COPY schema schema
COPY components components
COPY pipeline pipeline
COPY tools/cut_symbols.py ./
RUN /opt/setup/bin/uv pip install --quiet --python /opt/heartbeat/bin/python --offline --no-deps --no-build-isolation .

# Never used here: C++ headers, OpenVINO's parts for GPUs and NPUs and for models that are not TensorFlow's, Arrow's
# Flight, Zstandard's second backend, botocore's services other than S3 and those that give rights, Beam's examples, the packages'
# own tests, symbols for debuggers. Byte code is compiled last, and in a form that is valid whatever an image builder does
# to times: in a read-only image a stale one would be compiled anew by every process.
WORKDIR /opt/heartbeat/lib/python${PYTHON}/site-packages
RUN rm -rf /opt/heartbeat/include tensorflow/include openvino/include pyarrow/include \
      openvino/libs/cache.json openvino/libs/*_gpu_plugin.so openvino/libs/*_npu_plugin.so \
      openvino/libs/*_onnx_frontend.so* openvino/libs/*_paddle_frontend.so* openvino/libs/*_pytorch_frontend.so* \
      openvino/libs/*_gguf_frontend.so* openvino/libs/*_jax_frontend.so* \
      pyarrow/*flight* zstandard/_cffi.*.so apache_beam/examples \
    && find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name signin \
      ! -name 'sso*' -exec rm -rf {} + \
    && if [ "$IMAGE" = worker ]; then rm -rf /opt/heartbeat/bin/heartbeat pipeline setuptools* ./*distutils* \
      openvino/libs/*_tensorflow_frontend.so*; fi \
    && find . -type d -name tests -prune -exec rm -rf {} + \
    && python /build/cut_symbols.py . \
    && /opt/heartbeat/bin/python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash .


FROM ${BASE}:${PYTHON}-slim-${DEBIAN} AS common
ARG BASE
ARG PYTHON
ARG DEBIAN
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Heartbeat" \
      org.opencontainers.image.description="Trains, judges, ships and runs an ECG heartbeat classifier." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}:${PYTHON}-slim-${DEBIAN}"

# Any user may run it, known or not, on a read-only root: everything that is ever written goes to /tmp.
ENV PATH=/opt/heartbeat/bin:${PATH} \
    HOME=/tmp \
    USER=heartbeat \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash "/usr/local/lib/python${PYTHON}"
COPY --from=build /opt/heartbeat /opt/heartbeat
COPY LICENSE /opt/heartbeat/
WORKDIR /opt/heartbeat
USER 1000:1000

FROM common AS worker
CMD ["heartbeat-worker", "--help"]

FROM common AS full
COPY local_runner.py kubeflow_runner.py /opt/heartbeat/
CMD ["heartbeat", "--help"]

# A build argument says which, as the environment depends on it, too.
FROM ${IMAGE}
