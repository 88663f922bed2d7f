# Breaks as: permission-denied
# A script that is started must be marked as executable; this one is a plain file.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
RUN printf '#!/bin/sh\nexec python -m sample_app.serve\n' > start.sh
EXPOSE 5000
CMD ["/app/start.sh"]
