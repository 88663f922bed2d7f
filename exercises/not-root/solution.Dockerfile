FROM python:3.11-slim
WORKDIR /app
COPY sample_app/requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY sample_app sample_app/
RUN install -d -o 10001 /app/data
EXPOSE 5000
USER 10001
CMD ["python", "-c", "open('/app/data/visits.txt', 'w').close(); from sample_app.serve import main; main()"]
