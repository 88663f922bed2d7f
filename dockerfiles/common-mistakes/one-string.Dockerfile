# Breaks as: single-string-exec
# A list with one string in it: the engine looks for a program whose name is the whole line,
# spaces and all.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
EXPOSE 5000
CMD ["waitress-serve --port=5000 sample_app.wsgi:app"]
