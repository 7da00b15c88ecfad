"""Every word on screen, Chinese first, English second, from one catalogue."""

from __future__ import annotations

from types import MappingProxyType

_CATALOGUE = {
    "product": ("节能", "Jieneng"),
    "subtitle": ("公共机构能源资源监测", "Energy of public institutions"),
    "sign_in": ("登录", "Sign in"),
    "user": ("用户名", "User name"),
    "password": ("密码(或一次性口令)", "Password (or one-time secret)"),
    "new_password": ("设置新密码(至少 12 个字符)", "New password (12 characters or more)"),
    "old_password": ("原密码", "Old password"),
    "set_password": ("设置密码", "Set password"),
    "failed_new_password": (
        "未能设置:密码须为 12 至 128 个字符,不含用户名,且原密码正确。",
        "Not set: 12 to 128 characters without the user name are needed, and the right old password.",
    ),
    "failed_password": ("用户名或密码不正确。", "User name or password is wrong."),
    "failed_link": (
        "此链接已使用或已过期,请向管理员索取新的链接。",
        "This link was used or has expired: ask for a new one.",
    ),
    "failed_wait": ("失败次数过多,请稍后再试。", "Too many failed attempts: wait a little and try again."),
    "institutions": ("公共机构", "Institutions"),
    "consumption": ("日用能量", "Daily consumption"),
    "completeness": ("数据完整率", "Data completeness"),
    "collector": ("采集状态", "Collector"),
    "lag": ("入库延迟", "Lag to store"),
    "spool": ("磁盘队列", "Disk queue"),
    "last_hour": ("近一小时读数", "Readings of the last hour"),
    "stored": ("入库", "stored"),
    "duplicate": ("重复", "duplicate"),
    "parked": ("搁置", "parked"),
    "unknown": ("未知", "unknown"),
    "no_data": (
        "尚无数据。网关发来第一条读数后,这里会显示曲线。",
        "No data yet. A chart appears with the first reading.",
    ),
    "search": ("查找单位", "Find an institution"),
    "language": ("English", "中文"),
    "days_90": ("近 90 天", "90 days"),
    "days_365": ("近一年", "One year"),
    "days_all": ("全部", "All"),
    "electricity": ("电", "Electricity"),
    "water": ("水", "Water"),
    "gas": ("天然气", "Gas"),
    "heat": ("热力", "Heat"),
    "cooling": ("冷量", "Cooling"),
    "other": ("其他", "Other"),
    "total": ("合计", "Total"),
    "mean_day": ("日均", "Mean per day"),
    "expected_reported": ("应报/实报", "Expected / reporting"),
    "unit": ("单位", "Unit"),
    "period": ("统计期", "Period"),
}

WORDS = MappingProxyType(
    {
        language: MappingProxyType({key: pair[place] for key, pair in _CATALOGUE.items()})
        for place, language in enumerate(("zh", "en"))
    }
)
"""Words by language and key."""
