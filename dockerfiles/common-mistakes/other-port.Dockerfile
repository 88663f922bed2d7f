# Breaks as: wrong-port
# EXPOSE is a note, not an order: the app listens where it is told to, here on 8080, and
# whoever believes the note asks at 5000.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
ENV PORT=8080
EXPOSE 5000
CMD ["python", "-m", "sample_app.serve"]
