FROM python:3.11-slim
WORKDIR /app
COPY sample_app/requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY sample_app sample_app/
ENV FLASK_APP=sample_app.wsgi
EXPOSE 5000
CMD ["flask", "run", "--host=0.0.0.0"]
