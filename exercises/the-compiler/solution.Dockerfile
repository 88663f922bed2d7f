FROM python:3.11 AS builder
WORKDIR /app
COPY app/sum.c .
RUN gcc -O2 -shared -fPIC -o sum.so sum.c

FROM python:3.11-slim
WORKDIR /app
COPY app/requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY --from=builder /app/sum.so .
COPY app/app.py .
EXPOSE 5000
CMD ["python", "app.py"]
