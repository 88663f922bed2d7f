# The tutorial's image with the port that the app does listen on.
#
#   docker build -f dockerfiles/waitress-json/right-port.Dockerfile -t api:right dockerfiles/waitress-json/app
#   docker run --rm -p 127.0.0.1:8080:8080 api:right

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .

# The port in app.py, the one here, and the second one of `docker run -p 8080:8080` agree.
EXPOSE 8080
CMD ["python", "app.py"]
