# Single stage, started with `flask run`.
#
#   docker build -f dockerfiles/flask-run/single.Dockerfile -t hello:single dockerfiles/flask-run/app
#   docker run --rm -p 127.0.0.1:5000:5000 hello:single

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .

# FLASK_APP says which file holds the app. FLASK_ENV is what the tutorial sets: Flask ignores
# it since 2.3, so it protects nobody. Only FLASK_DEBUG or --debug turn the debugger on.
ENV FLASK_APP=app.py \
    FLASK_ENV=production
EXPOSE 5000

# Flask's own server is for development; see the scenario `targets` for gunicorn.
CMD ["flask", "run", "--host=0.0.0.0"]
