"""What an app needs beside itself: a compose file read by Compose, and the companions that run with each variant."""
