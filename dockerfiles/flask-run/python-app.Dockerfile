# The same image, started with `python app.py`: now the debug=True in the app counts.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .

# It says production, and Flask does not care: the debugger is on, and whoever finds its
# console can run code in the container.
ENV FLASK_ENV=production
EXPOSE 5000
CMD ["python", "app.py"]
