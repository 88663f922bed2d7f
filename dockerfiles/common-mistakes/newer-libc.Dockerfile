# Breaks as: glibc-mismatch
# What is compiled runs only where the C library is at least as new. The stages here are of
# one age, so a stand-in for a newer C library is made; usually it is another base image.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION} AS builder
WORKDIR /build
RUN echo 'int newer(void) { return 0; }' > libc.c \
    && echo 'GLIBC_2.99 { newer; };' > libc.map \
    && gcc -shared -nostdlib -Wl,-soname=libc.so.6 -Wl,--version-script=libc.map -o libc.so.6 libc.c
RUN echo 'int newer(void); int fast(void) { return newer(); }' > fast.c \
    && gcc -shared -fPIC -nostdlib -o fast.so fast.c libc.so.6

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY --from=builder /build/fast.so .
COPY . sample_app/
EXPOSE 5000
CMD ["python", "-c", "import ctypes; ctypes.CDLL('/app/fast.so'); from sample_app.serve import main; main()"]
