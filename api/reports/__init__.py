"""Reports: documents made of figures, as XLSX, DOCX or PDF. Every function takes the scope of who asks."""

from api.reports.documents import FORMATS, MEDIA_TYPES, Format, monthly, written, yearly

__all__ = ["FORMATS", "MEDIA_TYPES", "Format", "monthly", "written", "yearly"]
