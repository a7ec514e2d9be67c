"""Says where self-employed workers live and how often each event happens: the assumptions behind a day.

Everything here is an approximation for demonstrations and measurements, never a statistic to quote.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

INHABITANTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "01": 660, "02": 530, "03": 335, "04": 165, "05": 140, "06": 1095, "07": 330, "08": 270, "09": 155,
        "10": 310, "11": 375, "12": 280, "13": 2045, "14": 695, "15": 145, "16": 350, "17": 655, "18": 300,
        "19": 240, "2A": 160, "2B": 180, "21": 535, "22": 600, "23": 115, "24": 415, "25": 545, "26": 520,
        "27": 600, "28": 430, "29": 915, "30": 750, "31": 1415, "32": 190, "33": 1635, "34": 1190, "35": 1090,
        "36": 220, "37": 610, "38": 1275, "39": 260, "40": 415, "41": 330, "42": 765, "43": 230, "44": 1440,
        "45": 680, "46": 175, "47": 330, "48": 75, "49": 820, "50": 495, "51": 565, "52": 170, "53": 305,
        "54": 730, "55": 185, "56": 760, "57": 1050, "58": 205, "59": 2610, "60": 830, "61": 280, "62": 1465,
        "63": 660, "64": 685, "65": 230, "66": 480, "67": 1145, "68": 765, "69": 1880, "70": 235, "71": 550,
        "72": 565, "73": 440, "74": 830, "75": 2145, "76": 1255, "77": 1430, "78": 1450, "79": 375, "80": 570,
        "81": 390, "82": 260, "83": 1085, "84": 560, "85": 685, "86": 440, "87": 370, "88": 360, "89": 335,
        "90": 140, "91": 1300, "92": 1625, "93": 1655, "94": 1405, "95": 1250,
        "971": 385, "972": 360, "973": 285, "974": 865, "975": 6, "976": 290, "977": 10, "978": 35,
    }
)  # fmt: skip
"""Département -> thousands of inhabitants about 2020, rounded to five.

From memory of INSEE's municipal populations, unverified. That workers are spread as inhabitants are is an
assumption.
"""

MICRO_SHARE: Final = 0.584
"""Share of micro-entrepreneurs among 4.6 million accounts at the end of 2023 (Urssaf, Stat'Ur 392)."""

YEARLY_THOUSANDS: Final[Mapping[str, float]] = MappingProxyType(
    {
        # 1.9 million classic accounts, called each month (assumed: 80 % of them) or quarter.
        "contribution.called": 19_900,
        # The same, 93 % paid in time (assumed), and micro-entrepreneurs with turnover: 68.3 % (Stat'Ur).
        "contribution.paid": 30_700,
        # 2.7 million micro-entrepreneurs, a third of them monthly (assumed), the others quarterly.
        "turnover.declared": 17_900,
        "income.declared": 1_900,  # classic accounts, once a year
        "contribution.unpaid": 800,  # 4 % of the calls (the collection rate of one Urssaf is told as 96 %)
        "payment-delay.granted": 400,  # assumed
        "payment-delay.broken": 50,  # assumed
        "activity.modified": 600,  # assumed
        "activity.ceased": 550,  # assumed, against 0.83 million registrations in 2024 (INSEE, EI and micro)
        "territory.changed": 140,  # assumed: 3 % move to another département
        "radiation.envisaged": 200,  # assumed: micro-entrepreneurs without turnover for two years
        "radiation.decided": 150,  # assumed
        "sick-leave.received": 380,  # 8.24 a year per 100 (Ha-Vinh et al., 2002-2008)
        "maternity.declared": 40,  # assumed
        "retirement.requested": 120,  # assumed
        "career.disputed": 30,  # assumed
        "social-aid.requested": 50,  # assumed
        "difficulty.detected": 30,  # assumed
        "contact.received": 5_500,  # assumed: a little more than one a year and worker
        "appointment.requested": 300,  # assumed
        "complaint.lodged": 80,  # assumed
        "mediation.opened": 9.4,  # requests in 2024 (CPSTI, report of the mediator)
    }
)
"""Event name -> thousands a year, registrations apart."""

REGISTERED_SHARE: Final = 0.2
"""Share of registrations among all records.

Far above a real day's (about one in eighty): the generator has no yesterday, so that it has to register the
workers of whom later events speak, each of them with about four.
"""

PLANTED_SHARES: Final[Mapping[str, float]] = MappingProxyType(
    {
        "contract": 0.015,
        "duplicate": 0.010,
        "rekeyed": 0.015,
        "unknown_worker": 0.005,
        "outside_scheme": 0.004,
        "ambiguous_territory": 0.004,
        "unknown_type": 0.003,
        "no_scheme_in_force": 0.003,
        "conflicting_duplicate": 0.002,
        "personal_data": 0.001,
    }
)
"""What is planted -> its share of all records (assumed). A few more are refused by a worker's own life."""
