FROM python:3.11-slim
WORKDIR /app
COPY sample_app/requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY sample_app sample_app/
EXPOSE 5000
CMD ["python", "-m", "sample_app.serve"]
