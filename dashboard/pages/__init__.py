"""The pages that the server lays out, and the frame around all of them."""
