"""Images, manifests, splits and the cache of decoded pixels."""
