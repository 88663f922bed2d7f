# Single stage on the full image: compilers, headers and git are shipped with the app. Only
# against this one does a multi-stage build save what is promised.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
CMD ["python", "app.py"]
