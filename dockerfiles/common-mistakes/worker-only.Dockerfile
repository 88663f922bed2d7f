# Breaks as: never-listens
# The container runs something that never serves: here a worker that waits for jobs.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
EXPOSE 5000
CMD ["python", "-u", "-c", "import time; print('waiting for jobs'); time.sleep(3600)"]
