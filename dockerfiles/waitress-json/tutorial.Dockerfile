# Breaks as: wrong-port
# What the tutorial shows. The app is up and well, and nobody reaches it.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .

# Here it breaks: app.py listens on 8080. EXPOSE opens nothing and redirects nothing, it is a
# note; who believes it publishes 5000 (`docker run -p 8080:5000`) and asks where nobody is.
EXPOSE 5000
CMD ["python", "app.py"]
