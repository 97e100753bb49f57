"""The kernel's page array, read from guest memory by the contract (mem.h)."""

from .machine import BadAddress

PAGE = 4096


class PageArray:
    """One entry for each page frame, as they are right now."""

    def __init__(self, kernel):
        self.kernel, self.size = kernel, kernel.const.page_size_of
        self.base = kernel.u64(kernel.symbol("page_array"))
        self.len = kernel.u64(kernel.symbol("page_array_len"))
        if not 0 < self.len <= len(kernel.machine.ram) // PAGE:
            raise BadAddress(f"a page array of {self.len} entries")
        self.read()

    def read(self):
        """Look again."""
        c = self.kernel.const
        raw = self.kernel.machine.read(self.base, self.len * self.size)
        self.refs = memoryview(raw).cast("I")[
            c.page_refs // 4::self.size // 4].tolist()
        self.order = raw[c.page_order::self.size]
        self.use = raw[c.page_use::self.size]
        self.flags = raw[c.page_flags::self.size]
        return self

    def number(self, page):
        """Frame number of a struct page's address; None: it is none."""
        n, rest = divmod(page - self.base, self.size)
        return n if rest == 0 and 0 <= n < self.len else None

    def physical(self, page):
        """Physical address of a struct page."""
        n = self.number(page)
        if n is None:
            raise BadAddress(f"{page:#x}, which is no struct page")
        return n * PAGE

    def struct_page(self, physical):
        """Address of the struct page of a physical address."""
        return self.base + physical // PAGE * self.size

    def frames(self, use):
        """Frames that are held and have a use."""
        return [n for n in range(self.len)
                if self.use[n] == use and self.refs[n]]
