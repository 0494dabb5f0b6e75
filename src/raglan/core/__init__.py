"""The kernel: time, storage, events, timers and the bus. It knows no word of the product."""
