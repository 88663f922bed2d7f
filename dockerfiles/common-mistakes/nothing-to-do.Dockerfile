# Breaks as: exits-at-once
# The module makes an app and serves it to nobody: the program comes to its end, and a
# container ends with its first program.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
EXPOSE 5000
CMD ["python", "-m", "sample_app.app"]
