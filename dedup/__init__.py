"""Near-duplicate families, stories and storylines of news articles: values in, values out.

Nothing in this package opens a file or a socket, reads a clock or the environment, logs or sleeps.
`dedup.pipeline` is the only module that knows the order of the stages.
"""
