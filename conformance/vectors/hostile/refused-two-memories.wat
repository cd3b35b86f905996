;; Two memories.
(module
  (memory 1)
  (memory 1)
  (func (export "deploy"))
  (func (export "call")))
