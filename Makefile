# Each target is one line; what it does is in tools/.
.PHONY: run run-empty test check bench drill docs lock clean

run: ; @tools/run.sh
run-empty: ; @tools/run.sh empty
test: ; @tools/test.sh $(ARGS)
check: ; @tools/check.sh
bench: ; @tools/bench.sh $(ARGS)
drill: ; @tools/drill.sh $(ARGS)
docs: ; @tools/docs.sh
lock: ; @tools/lock.sh
clean: ; @tools/clean.sh
