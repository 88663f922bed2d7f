# Breaks as: permission-denied
# The app writes into its own folder, which is root's, and runs as somebody else.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
EXPOSE 5000
USER 10001
CMD ["python", "-c", "open('/app/visits.txt', 'w').close(); from sample_app.serve import main; main()"]
