(hashValue) => () => ({ algo: { hash: hashValue } })
