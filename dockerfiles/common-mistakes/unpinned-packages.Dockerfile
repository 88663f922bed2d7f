# Breaks as: incompatible-packages
# Flask is pinned, what it needs is not: Flask 2.2 takes any Werkzeug from 2.2 on, pip takes
# the newest, and that has lost what Flask 2.2 imports.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
RUN pip install --no-cache-dir flask==2.2.2 waitress==3.0.2
WORKDIR /app
COPY . sample_app/
EXPOSE 5000
CMD ["python", "-m", "sample_app.serve"]
