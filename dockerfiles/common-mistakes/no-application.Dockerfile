# Breaks as: application-not-found
# `flask run` looks for app.py or wsgi.py where it is started. Here the app is a package
# below that, and neither FLASK_APP nor --app says so.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
EXPOSE 5000
CMD ["flask", "run", "--host=0.0.0.0"]
