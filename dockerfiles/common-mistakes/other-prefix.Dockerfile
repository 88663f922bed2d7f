# Breaks as: wrong-response
# The app answers, but below /shop: asked for / it answers with an error.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
EXPOSE 5000
ENV SCRIPT_NAME=/shop
CMD ["gunicorn", "--bind=0.0.0.0:5000", "sample_app.wsgi:app"]
