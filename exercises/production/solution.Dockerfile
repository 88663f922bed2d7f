FROM python:3.11-slim
WORKDIR /app
COPY sample_app/requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY sample_app sample_app/
ENV PYTHONDONTWRITEBYTECODE=1
EXPOSE 5000
USER 10001
HEALTHCHECK --interval=1s --start-period=20s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:5000/healthz', timeout=5)"]
CMD ["sh", "-c", "date > /tmp/started.txt && exec python -m sample_app.serve"]
