# Breaks as: user-site-as-other-user
# `pip install --user` puts packages into the home of whoever runs it, here root's. The app
# runs as somebody else, whose Python looks into another home (and may not enter root's).

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
RUN useradd --uid 10001 --create-home app
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --user -r requirements.txt
COPY . sample_app/
EXPOSE 5000
USER 10001
CMD ["python", "-m", "sample_app.serve"]
