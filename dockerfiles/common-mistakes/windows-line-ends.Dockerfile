# Breaks as: script-cannot-run
# The start script was saved on Windows: each line ends in "\r\n", and so the kernel looks
# for a shell named "/bin/sh\r".

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . sample_app/
RUN printf '#!/bin/sh\r\nexec python -m sample_app.serve\r\n' > start.sh && chmod 755 start.sh
EXPOSE 5000
CMD ["/app/start.sh"]
