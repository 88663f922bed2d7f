# One stage on the full image, which has what psycopg2 is compiled with and what it runs with.
ARG PYTHON_VERSION=3.11
FROM python:${PYTHON_VERSION}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY app.py .
USER 10001
EXPOSE 5000
CMD ["gunicorn", "--bind=0.0.0.0:5000", "--worker-tmp-dir=/tmp", "app:app"]
