(runtime) => ({ os: { env: runtime.host("os.env") } })
