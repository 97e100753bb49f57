# The book (HTML, pandoc) and the reference of functions (Doxygen).

.PHONY: book book-accept docs

book:			## build the book: build/book/index.html
	scripts/book

book-accept:		## the text fits the code as it is now
	scripts/book --accept

docs:			## Doxygen's reference: build/docs/html/index.html
	@mkdir -p build/docs
	doxygen book/Doxyfile
	@if [ -s build/docs/warnings ]; then cat build/docs/warnings; exit 1; fi
