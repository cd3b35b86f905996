;; 4 GiB of memory in a few bytes.
(module
  (memory 65536)
  (func (export "deploy"))
  (func (export "call")))
