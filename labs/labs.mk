# The labs: make a starter tree, grade a solution. See labs/README.md.

.PHONY: lab grade deps-grade
deps-grade:
	@scripts/install-deps grade

# make lab LAB=mem DEST=~/mem
lab: deps-grade ## make the starter tree of LAB in the new folder DEST
	@$(if $(LAB),$(if $(DEST),,$(error where to? make lab LAB=$(LAB) \
		DEST=folder)),$(error which lab? make lab LAB=name DEST=folder))
	@scripts/lab $(LAB) $(DEST)

# make grade LAB=mem [ONLY=test] [SEED=n] [JSON=file] [JUNIT=file]
# [SUBMISSION=folder] [SANDBOX=0]. It fails unless there are full marks.
grade: deps-grade ## grade LAB as it is in this tree (ONLY SEED JSON JUNIT)
	@$(if $(LAB),,$(error which lab? make grade LAB=name))
	@scripts/grade $(LAB) $(SUBMISSION) $(if $(ONLY),--only $(ONLY)) \
		$(if $(SEED),--seed $(SEED)) $(if $(JSON),--json $(JSON)) \
		$(if $(JUNIT),--junit $(JUNIT)) --cache $(BUILD)/grade \
		$(if $(filter 0,$(SANDBOX)),--no-sandbox)
