# Breaks as: wrong-architecture
# A program for another kind of processor: somebody downloaded the wrong file. The bytes are
# the beginning of a 64-bit Arm (or, on Arm, Intel) program; the engine reads no further.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
RUN case "$(uname -m)" in aarch64) machine='\076' ;; *) machine='\267' ;; esac \
    && printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000%b\000\001\000\000\000' "$machine" > /usr/local/bin/start-app \
    && head -c 4096 /dev/zero >> /usr/local/bin/start-app \
    && chmod 755 /usr/local/bin/start-app
EXPOSE 5000
CMD ["start-app", "python", "-m", "sample_app.serve"]
