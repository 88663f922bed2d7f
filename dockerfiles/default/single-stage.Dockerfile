# Single stage: the Dockerfile most of us write first. It works, and it is big.
#
#   docker build -f dockerfiles/default/single-stage.Dockerfile -t hello:single sample_app
#   docker run --rm -p 127.0.0.1:5000:5000 hello:single

# The Python version is named here and nowhere else.
ARG PYTHON_VERSION=3.11

# The full Python image: Python, and beside it compilers, headers, git and more.
# The app needs none of those at run time, but they are shipped with it.
FROM python:${PYTHON_VERSION}

WORKDIR /app

# Everything is copied at once, the requirements with the code. So each change of
# the code, however small, makes the next step download and install all over again.
COPY . sample_app/

# The versions are pinned in requirements.txt. Without --no-cache-dir, pip would keep
# a second copy of every download, and the image would carry it for ever.
RUN pip install --no-cache-dir -r sample_app/requirements.txt

# A note for people and tools: this is the port the app listens on.
EXPOSE 5000

# A list, not one string: the app itself becomes process 1, and `docker stop` reaches
# it rather than a shell. No USER line stands above, so it runs as root.
CMD ["python", "-m", "sample_app.serve"]
