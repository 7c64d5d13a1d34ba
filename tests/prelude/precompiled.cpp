// Nothing: Meson precompiles a header only for what compiles something.
